package capture

// jsonEach calls f with the elements of an array.
func jsonEach(v []byte, f func(element []byte)) {}
