package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hatrac/hatrac/store/s3"
)

// The back ends for content.
const (
	Filesystem = "filesystem"
	AmazonS3   = "amazons3"
	Overlay    = "overlay"
)

const defaultStoragePath = "/var/www/hatrac"

// Storage says where content is.
type Storage struct {
	// Backend is Filesystem, AmazonS3 or Overlay.
	Backend string
	// Path is the folder, with Filesystem.
	Path string
	// S3 has the buckets, with AmazonS3.
	S3 *s3.Config
	// Layers are the back ends of an Overlay: the first one is written, all are read.
	Layers []Storage
}

// storage returns where content is.
func (c *checker) storage() Storage {
	top := tree{
		"storage_backend": c.storageBackend, "storage_path": c.storagePath, "s3_bucket": c.s3Bucket,
		"s3_object_prefix": c.s3Prefix,
	}
	if c.s3 != nil {
		top["s3_config"] = map[string]any(c.s3)
	}
	if c.s3Connection != nil {
		top["s3_connection"] = map[string]any(c.s3Connection)
	}
	if c.overlay != nil {
		top["overlay_backends"] = []any(c.overlay)
	}
	return c.storageOf(c.fields("", top), 0)
}

// storageOf reads one backend configuration: the whole file, or one of overlay_backends.
func (c *checker) storageOf(f *fields, depth int) Storage {
	s := Storage{Backend: Filesystem, Path: defaultStoragePath}
	f.get(&s.Backend, "storage_backend", "backend")
	f.get(&s.Path, "storage_path")
	oldest := f.oldestS3()
	newer := f.structure("s3_config")
	var layers list
	f.get(&layers, "overlay_backends")
	switch s.Backend {
	case Filesystem:
		if s.Path == "" {
			c.report.errorf("%sstorage_path cannot be empty", within(f.at))
		}
	case AmazonS3:
		s.S3 = oldest
		if newer != nil {
			s.S3 = newer.s3()
		}
		if s.S3 == nil {
			c.report.errorf("%ss3_config is missing: storage_backend amazons3 needs buckets", within(f.at))
		}
	case Overlay:
		if depth > 0 {
			c.report.errorf("%sstorage_backend cannot be overlay within an overlay", within(f.at))
			break
		}
		s.Layers = c.layers(layers)
	default:
		c.report.errorf("%sstorage_backend %q is not supported: it is filesystem, amazons3 or overlay", within(f.at), s.Backend)
	}
	return s
}

func within(at string) string {
	if at == "" {
		return ""
	}
	return at + "."
}

// layers reads overlay_backends.
func (c *checker) layers(entries list) []Storage {
	if len(entries) == 0 {
		c.report.errorf("overlay_backends is missing: storage_backend overlay needs backend configurations")
	}
	var layers []Storage
	for i, entry := range entries {
		at := fmt.Sprintf("overlay_backends[%d]", i)
		document, ok := entry.(map[string]any)
		if !ok {
			c.report.errorf("%s must be a structure", at)
			continue
		}
		f := c.fields(at, document)
		layers = append(layers, c.storageOf(f, 1))
		f.end()
	}
	return layers
}

// String says where content is in a few words, without secrets.
func (s Storage) String() string {
	switch s.Backend {
	case AmazonS3:
		names := make([]string, 0, len(s.S3.Buckets))
		for _, bucket := range s.S3.Buckets {
			names = append(names, bucket.Name)
		}
		slices.Sort(names)
		return "the S3 buckets " + strings.Join(slices.Compact(names), ", ")
	case Overlay:
		if len(s.Layers) > 0 {
			return s.Layers[0].String()
		}
	}
	return s.Path
}
