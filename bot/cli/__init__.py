"""The command line `storewright`."""
