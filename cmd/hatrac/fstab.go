package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
)

// helperName is the name under which mount(8) finds the program that mounts the type fuse.hatrac.
const helperName = "mount.fuse.hatrac"

// harmless are options of mount(8) that say nothing, or what is so in any case.
var harmless = []string{
	"defaults", "rw", "exec", "nosuid", "nodev", "async", "atime", "noatime", "relatime", "nodiratime", "lazytime",
	"auto", "noauto", "nofail", "nouser", "_netdev",
}

// fstabArgs translates the command line that mount(8) gives to a helper,
//
//	STORE DIR [-sfnv] [-N NAMESPACE] [-o OPTIONS] [-t TYPE]
//
// into one of "hatrac mount". STORE is the folder of an embedded store or a configuration file.
// An option that is not one of mount(8)'s is a flag of "hatrac mount", with _ or - in its name. It
// returns nil if only a mount for show (-f) is wanted.
func fstabArgs(args []string) ([]string, error) {
	var places, options []string
	for i := 0; i < len(args); i++ {
		switch arg := args[i]; {
		case arg == "-o" || arg == "-t" || arg == "-N":
			i++
			if i == len(args) {
				return nil, fmt.Errorf("%s is followed by nothing", arg)
			}
			if arg == "-o" {
				options = append(options, strings.Split(args[i], ",")...)
			}
		case strings.HasPrefix(arg, "-"):
			if !strings.HasPrefix(arg, "--") && strings.Contains(arg, "f") {
				return nil, nil
			}
		default:
			places = append(places, arg)
		}
	}
	if len(places) != 2 {
		return nil, errors.New("usage: " + helperName + " STORE DIR [-o OPTIONS]")
	}
	info, err := os.Stat(places[0])
	if err != nil {
		return nil, fmt.Errorf("the store is a folder or a configuration file: %w", err)
	}
	kind := "--config"
	if info.IsDir() {
		kind = "--data"
	}
	flags := append([]string{"mount", "--background", kind, places[0]}, mountOptions(options)...)
	return append(flags, "--", places[1]), nil
}

// mountOptions returns the flags that options of mount(8) mean.
func mountOptions(options []string) []string {
	var flags []string
	for _, option := range options {
		name, value, valued := strings.Cut(option, "=")
		switch {
		case option == "" || strings.HasPrefix(option, "x-") || slices.Contains(harmless, option):
		case option == "ro":
			flags = append(flags, "--read-only")
		default:
			flag := "--" + strings.ReplaceAll(name, "_", "-")
			if valued {
				flag += "=" + value
			}
			flags = append(flags, flag)
		}
	}
	return flags
}
