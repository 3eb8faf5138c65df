"""The project's tests: a package, so that a library which installs one of the same name does not hide it."""
