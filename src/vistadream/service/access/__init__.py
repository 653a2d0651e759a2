"""Who may do what: the guard around the application, and the caller of a request."""
