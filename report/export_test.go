package report

// CheckCharacter is for tests from outside.
func CheckCharacter(body string) byte { return checkCharacter(body) }
