"""The equations with numbers put in: read one by one, without any generated code."""
