//go:build race

package integration

// raceEnabled is true if the tests, and so the program under test, look for data races.
const raceEnabled = true
