"""Depth Anything 3 for every role that uses it: its network, and what the network says of one or several Views."""
