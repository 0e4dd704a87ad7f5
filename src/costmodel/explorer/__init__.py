"""The explorer: scenarios in a browser, on this machine alone (extra ``explore``)."""
