package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// logFlags say what is logged and how.
type logFlags struct {
	level  string
	format string
}

func (l *logFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&l.level, "log-level", "info", "the least serious `level` that is logged: debug, info, warn or error")
	cmd.Flags().StringVar(&l.format, "log-format", "auto", "the `format` of the log: json, text, or auto (text at a terminal)")
	_ = cmd.RegisterFlagCompletionFunc("log-level", cobra.FixedCompletions([]string{"debug", "info", "warn", "error"}, cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.RegisterFlagCompletionFunc("log-format", cobra.FixedCompletions([]string{"auto", "json", "text"}, cobra.ShellCompDirectiveNoFileComp))
}

func (l *logFlags) open(out io.Writer) (zerolog.Logger, error) {
	level, err := zerolog.ParseLevel(l.level)
	if err != nil || l.level == "" {
		return zerolog.Logger{}, fmt.Errorf("--log-level %q is not one of debug, info, warn, error", l.level)
	}
	switch l.format {
	case "json":
	case "text":
		out = text(out)
	case "auto":
		if f, ok := out.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
			out = text(out)
		}
	default:
		return zerolog.Logger{}, fmt.Errorf("--log-format %q is not one of auto, json, text", l.format)
	}
	return zerolog.New(out).Level(level).With().Timestamp().Logger(), nil
}

func text(out io.Writer) io.Writer {
	return zerolog.ConsoleWriter{Out: out, TimeFormat: time.TimeOnly}
}
