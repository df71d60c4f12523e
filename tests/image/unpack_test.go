package image

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	specs "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/content/oci"
)

// unpacked is an image as a container runtime sees it. The archive is read by a library that knows nothing of ours, and
// checks every digest and size.
type unpacked struct {
	root     string
	digest   string
	manifest specs.Manifest
	config   specs.Image
}

// unpack reads the image of this architecture; nil when the archive has none.
func unpack(t *testing.T, archive, architecture string) *unpacked {
	t.Helper()
	context := context.Background()
	store, err := oci.NewFromTar(context, archive)
	if err != nil {
		t.Fatalf("%s: %v", archive, err)
	}
	var tags []string
	if err := store.Tags(context, "", func(found []string) error { tags = append(tags, found...); return nil }); err != nil || len(tags) != 1 {
		t.Fatalf("tags %v, %v", tags, err)
	}
	top, err := store.Resolve(context, tags[0])
	if err != nil {
		t.Fatal(err)
	}
	image := &unpacked{digest: top.Digest.String()}
	if top.MediaType == specs.MediaTypeImageIndex {
		var index specs.Index
		fetch(t, store, top, &index)
		at := slices.IndexFunc(index.Manifests, func(one specs.Descriptor) bool { return one.Platform.Architecture == architecture })
		if at < 0 {
			return nil
		}
		top = index.Manifests[at]
	}
	fetch(t, store, top, &image.manifest)
	fetch(t, store, image.manifest.Config, &image.config)
	if image.config.Architecture != architecture {
		return nil
	}
	image.root = t.TempDir()
	for _, layer := range image.manifest.Layers {
		reader, err := store.Fetch(context, layer)
		if err != nil {
			t.Fatal(err)
		}
		verified := content.NewVerifyReader(reader, layer)
		packed, err := gzip.NewReader(verified)
		if err != nil {
			t.Fatal(err)
		}
		unpackLayer(t, packed, image.root)
		if err := errors.Join(drain(packed), verified.Verify(), reader.Close()); err != nil {
			t.Fatal(err)
		}
	}
	return image
}

func drain(reader io.Reader) error {
	_, err := io.Copy(io.Discard, reader)
	return err
}

func fetch(t *testing.T, store content.Fetcher, descriptor specs.Descriptor, into any) {
	t.Helper()
	text, err := content.FetchAll(context.Background(), store, descriptor)
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func unpackLayer(t *testing.T, layer io.Reader, folder string) {
	t.Helper()
	root, err := os.OpenRoot(folder)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	for reader := tar.NewReader(layer); ; {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if header.Uid != 0 || header.Gid != 0 {
			t.Errorf("%s belongs to %d:%d", header.Name, header.Uid, header.Gid)
		}
		name, mode := filepath.Clean(header.Name), fs.FileMode(header.Mode).Perm()
		switch header.Typeflag {
		case tar.TypeDir:
			if err := root.Mkdir(name, 0o755); err != nil {
				t.Fatal(err)
			}
			// The sticky bit of /tmp.
			if header.Mode&0o1000 != 0 {
				mode |= fs.ModeSticky
			}
			if err := os.Chmod(filepath.Join(folder, name), mode); err != nil {
				t.Fatal(err)
			}
		case tar.TypeReg:
			file, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.Copy(file, reader); err != nil {
				t.Fatal(err)
			}
			if err := file.Close(); err != nil {
				t.Fatal(err)
			}
		default:
			t.Fatalf("%s: an entry of type %q", header.Name, header.Typeflag)
		}
	}
}
