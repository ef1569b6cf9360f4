package main

import (
	"os"
	"slices"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"github.com/hatrac/hatrac/cmd/config"
)

// keyFlag is the flag of one key of the configuration. It is not checked before it is read with
// all the rest.
type keyFlag struct {
	key   config.Key
	name  string // of the key, or of the file with its secret
	given map[string]string
}

// String returns what was given.
func (f *keyFlag) String() string { return f.given[f.name] }

// Set takes a value.
func (f *keyFlag) Set(value string) error {
	f.given[f.name] = value
	return nil
}

// Type is shown where the flag is explained.
func (f *keyFlag) Type() string { return "value" }

// keyFlags adds a flag for each key that takes one value. Only those named are shown by --help;
// "hatrac config keys" shows all.
func (a *app) keyFlags(cmd *cobra.Command, shown ...string) {
	if a.keys == nil {
		a.keys = make(map[string]string)
	}
	for _, key := range config.Keys() {
		if !key.Scalar {
			continue
		}
		a.keyFlag(cmd, key, key.Name, key.Flag, key.Doc, slices.Contains(shown, key.Name))
		if key.Secret {
			a.keyFlag(cmd, key, key.Name+"_file", key.Flag+"-file", "a file with the value of "+key.Name, false)
		}
	}
}

func (a *app) keyFlag(cmd *cobra.Command, key config.Key, name, flag, doc string, shown bool) {
	added := cmd.Flags().VarPF(&keyFlag{key: key, name: name, given: a.keys}, flag, "", doc)
	added.Hidden = !shown
	if _, isBool := key.Default.(bool); isBool && name == key.Name {
		added.NoOptDefVal = "true"
	}
}

// read returns the configuration that the flags and the environment ask for, and what there is
// to say about it.
func (a *app) read() (*config.Config, *config.Report) {
	return config.Read(config.Source{File: a.config, Data: a.data, Environ: os.Environ(), Flags: a.keys})
}

// settings returns the configuration that the flags and the environment ask for, and the folder
// of an embedded store or "".
func (a *app) settings() (*config.Config, string, error) {
	if a.cfg == nil {
		cfg, report := a.read()
		if err := report.Err(); err != nil {
			return nil, "", err
		}
		a.cfg, a.warnings = cfg, report.Warnings
	}
	return a.cfg, a.cfg.Data, nil
}

// warn tells the log what may not be meant in the configuration.
func (a *app) warn(log zerolog.Logger) {
	for _, text := range a.warnings {
		log.Warn().Msg("configuration: " + text)
	}
}
