"""The cost of a cell: predicted from its equations, and measured on its generated code."""
