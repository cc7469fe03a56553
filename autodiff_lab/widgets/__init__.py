"""The Python halves of the widgets. Importing this package imports no widget: each module does that when it is needed."""
