"""What is a visitor's own: the history of their choices, and a receipt that anybody can check."""
