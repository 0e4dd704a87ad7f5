"""Explorer: scenarios in a browser on this machine (extra ``explore``)."""
