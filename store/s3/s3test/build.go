package s3test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// source is the folder of the module that pins the server, in that of this module.
const source = "integration/tools/versitygw"

// program is the package of the server.
const program = "github.com/versity/versitygw/cmd/versitygw"

// build returns the program of the server, which it builds if it has not been built yet. Tests of
// several packages may ask at once: one builds and the others wait.
func build() (string, error) {
	root, err := moduleRoot()
	if err != nil {
		return "", err
	}
	folder := filepath.Join(root, source)
	version, err := command(folder, "go", "list", "-m", "-f", "{{.Version}}", "github.com/versity/versitygw")
	if err != nil {
		return "", err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	cache = filepath.Join(cache, "hatrac-tests")
	if err := os.MkdirAll(cache, 0o700); err != nil {
		return "", err
	}
	built := filepath.Join(cache, "versitygw-"+version)
	lock, err := os.OpenFile(built+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return "", err
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return "", err
	}
	if _, err := os.Stat(built); err == nil {
		return built, nil
	}
	if _, err := command(folder, "go", "build", "-o", built+".new", program); err != nil {
		return "", err
	}
	return built, os.Rename(built+".new", built)
}

// moduleRoot returns the folder of the module in which the test runs.
func moduleRoot() (string, error) {
	file, err := command(".", "go", "env", "GOMOD")
	if err != nil {
		return "", err
	}
	if file == "" || file == os.DevNull {
		return "", errors.New("the tests of S3 run in the source tree only")
	}
	return filepath.Dir(file), nil
}

func command(folder, name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), "GOFLAGS=")
	out, err := cmd.Output()
	if err != nil {
		var failed *exec.ExitError
		if errors.As(err, &failed) {
			err = fmt.Errorf("%w: %s", err, failed.Stderr)
		}
		return "", fmt.Errorf("%s %s: %w", name, strings.Join(args, " "), err)
	}
	return strings.TrimSpace(string(out)), nil
}
