package report

// CheckDigits is for tests from outside.
func CheckDigits(body string) string { return checkDigits(body) }
