"""What each command does. A front door: it sees every room, and nothing imports it but the command line."""
