"""How a book is kept in step with its stream: one module per way of proving it."""
