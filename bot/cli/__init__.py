"""The command line interface, `storewright`."""
