"""How a request reaches a target, and how an exchange comes back."""
