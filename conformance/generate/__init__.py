"""From a contract to the requests that test it."""
