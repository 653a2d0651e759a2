"""The command `vistadream`, and the guard around it and the tools."""
