"""What the pytest plugin is made of; imported when it is used."""
