"""What runs in COLMAP's process: `python -m vistadream.colmap.child REQUEST`.

No other part of VistaDream imports these modules, and they import nothing but pycolmap, numpy and each other: pycolmap
damages the memory of a process that also loads OpenCV, Pillow or torch, and takes over the signals. Everything runs in
one thread, since pycolmap's results change from run to run with more.
"""
