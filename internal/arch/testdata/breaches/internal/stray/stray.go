package stray // want package "not in the table"
