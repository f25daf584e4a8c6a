package web

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"

	"tocsin/casebook"
)

//go:embed static/*
var staticFiles embed.FS

// asset is a file that pages load. Its name carries the hash of its content, so
// that a browser may keep it for ever.
type asset struct {
	mediaType string
	content   []byte
}

// openAssets gives the files by their hashed name, and the path of each by its
// plain one.
func openAssets() (files map[string]asset, paths map[string]string) {
	files, paths = map[string]asset{}, map[string]string{}
	entries, err := fs.ReadDir(staticFiles, "static")
	if err != nil {
		panic(fmt.Sprintf("web: %v", err))
	}
	for _, e := range entries {
		content, err := fs.ReadFile(staticFiles, path.Join("static", e.Name()))
		if err != nil {
			panic(fmt.Sprintf("web: %v", err))
		}
		sum := sha256.Sum256(content)
		ending := path.Ext(e.Name())
		name := strings.TrimSuffix(e.Name(), ending) + "." + hex.EncodeToString(sum[:6]) + ending
		files[name] = asset{mime.TypeByExtension(ending), content}
		paths[e.Name()] = "/static/" + name
	}
	return files, paths
}

func (s *server) getStatic(x *exchange) error {
	file, ok := s.site.files[x.request.PathValue("file")]
	if !ok {
		return fmt.Errorf("%s: %w", x.request.URL.Path, casebook.ErrNotFound)
	}
	h := x.Header()
	h.Set("Content-Type", file.mediaType)
	h.Set("Content-Length", strconv.Itoa(len(file.content)))
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	x.WriteHeader(http.StatusOK)
	if x.request.Method != http.MethodHead {
		x.Write(file.content)
	}
	return nil
}
