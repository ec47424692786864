"""Task_modules of models; importing the package registers them."""
