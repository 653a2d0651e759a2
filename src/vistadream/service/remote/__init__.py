"""What a client does with the answers of a service."""
