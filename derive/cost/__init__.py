"""What a cell costs: predicted from its equations, and measured on its generated code."""
