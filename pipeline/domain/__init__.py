"""The words of the project: values without I/O. Standard library only; imports nothing else of the package."""
