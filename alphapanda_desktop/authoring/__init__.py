"""Strategy files of people: found, read, judged and described, never executed in the program's own process."""
