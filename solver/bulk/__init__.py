"""The checker on numpy: says quickly that everything holds, or leaves the word to the plain one."""
