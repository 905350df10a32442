// Package docs_test keeps the promises of the pages: their Go code compiles,
// and their links lead somewhere.
package docs_test

import (
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// pages are all Markdown files of the tree, by path from its root.
func pages(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && (name == "testdata" || name == "node_modules" || len(name) > 2 && name[0] == '.' && name != ".github") {
			return fs.SkipDir
		}
		if strings.HasSuffix(name, ".md") {
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			found[filepath.ToSlash(strings.TrimPrefix(path, ".."+string(filepath.Separator)))] = string(text)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(found) < 5 {
		t.Fatalf("only %d pages found", len(found))
	}
	return found
}

// A block is one fenced piece of Go code.
type block struct {
	page string
	line int    // of the fence
	code string // with what a comment above it declares
}

// blocks returns the Go code of a page that is to compile. Code of another
// library is left out: it follows the line "Before:", or a comment that says
// what compiles it instead. What a block needs and
// does not show is declared in a comment right above it, which a reader of the
// page does not see:
//
//	<!-- go
//	var key string
//	-->
func blocks(page, text string) (found []block, preludes []string) {
	lines := strings.Split(text, "\n")
	last, prelude := "", ""
	for i := 0; i < len(lines); i++ {
		switch line := strings.TrimSpace(lines[i]); {
		case line == "<!-- go":
			for i++; i < len(lines) && lines[i] != "-->"; i++ {
				prelude += lines[i] + "\n"
			}
		case strings.HasPrefix(line, "```"):
			b := block{page: page, line: i + 1}
			for i++; i < len(lines) && strings.TrimSpace(lines[i]) != "```"; i++ {
				b.code += lines[i] + "\n"
			}
			if line == "```go" && last != "Before:" && !strings.HasPrefix(last, "<!-- compiled by ") {
				found, preludes = append(found, b), append(preludes, prelude)
			}
			prelude, last = "", ""
		case line != "":
			last = line
		}
	}
	return found, preludes
}

// importPaths are the packages that code of the pages may use without an
// import of its own.
var importPaths = map[string]string{
	"synctest": "testing/synctest", "context": "context", "errors": "errors", "fmt": "fmt", "http": "net/http", "io": "io", "log": "log",
	"os": "os", "rand": "math/rand/v2", "runtime": "runtime", "signal": "os/signal", "slices": "slices", "slog": "log/slog",
	"strings": "strings", "syscall": "syscall", "testing": "testing", "time": "time", "tls": "crypto/tls",
	"xslog":         "golang.org/x/exp/slog",
	"expslog":       "github.com/slogship/slogship/expslog",
	"formats":       "github.com/slogship/slogship/formats",
	"slogship":      "github.com/slogship/slogship",
	"slogshipdebug": "github.com/slogship/slogship/slogshipdebug",
	"slogshiptest":  "github.com/slogship/slogship/slogshiptest",
}

// elision is code that a page leaves out: "..." on a line, or in braces.
var elision = regexp.MustCompile(`(?m)^\s*\.{3}\s*$|\{ \.{3} \}`)

// parse makes a file of a block: one that it is, or of declarations, or of
// statements.
func parse(fset *token.FileSet, name, code, prelude string) (*ast.File, error) {
	code = elision.ReplaceAllStringFunc(code, func(s string) string {
		if strings.Contains(s, "{") {
			return "{}"
		}
		return ""
	})
	if strings.HasPrefix(code, "package ") {
		return parser.ParseFile(fset, name, code, 0)
	}
	declarations := "package page\n" + prelude + code
	statements := "package page\n" + prelude + "func page() error {\n" + code + "\n}\n"
	for _, text := range []string{declarations, statements} {
		file, err := parser.ParseFile(fset, name, text, 0)
		if err != nil {
			continue
		}
		used := map[string]bool{}
		for _, ident := range file.Unresolved {
			if path := importPaths[ident.Name]; path != "" {
				used[ident.Name] = true
			}
		}
		imports := ""
		for _, name := range slices.Sorted(maps.Keys(used)) {
			imports += "import " + name + " \"" + importPaths[name] + "\"\n"
		}
		return parser.ParseFile(fset, name, strings.Replace(text, "package page\n", "package page\n"+imports, 1), 0)
	}
	return parser.ParseFile(fset, name, statements, 0)
}

// exports returns an importer that reads what the go command has compiled.
func exports(t *testing.T, fset *token.FileSet) types.Importer {
	t.Helper()
	args := append([]string{"list", "-export", "-deps", "-f", "{{.ImportPath}}\t{{.Export}}"},
		slices.Sorted(maps.Values(importPaths))...)
	out, err := exec.Command("go", args...).Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	files := map[string]string{}
	for line := range strings.Lines(string(out)) {
		path, file, _ := strings.Cut(strings.TrimSpace(line), "\t")
		files[path] = file
	}
	return importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) { return os.Open(files[path]) })
}

// Each Go block of each page compiles. That a variable of it is not used is no
// fault, because the page shows a part of a program.
func TestGoCodeCompiles(t *testing.T) {
	fset := token.NewFileSet()
	load := exports(t, fset)
	compiled := 0
	for page, text := range pages(t) {
		found, preludes := blocks(page, text)
		for i, b := range found {
			file, err := parse(fset, b.page, b.code, preludes[i])
			if err != nil {
				t.Errorf("%s:%d: %v", b.page, b.line, err)
				continue
			}
			config := types.Config{Importer: load, Error: func(err error) {
				for _, ok := range []string{"declared and not used", "missing return"} {
					if strings.Contains(err.Error(), ok) {
						return
					}
				}
				t.Errorf("%s:%d: %v", b.page, b.line, err)
			}}
			_, _ = config.Check("page", fset, []*ast.File{file}, nil)
			compiled++
		}
	}
	if compiled < 5 {
		t.Errorf("only %d blocks of Go code found", compiled)
	}
}

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)|(?:src|srcset|href)="([^"]+)"`)
	heading = regexp.MustCompile(`(?m)^#+ +(.*)$`)
	fence   = regexp.MustCompile("(?s)```.*?```")
	markup  = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// anchors are the names that GitHub gives to the headings of a page.
func anchors(text string) map[string]bool {
	found := map[string]bool{}
	for _, m := range heading.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
		name := regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`).ReplaceAllString(m[1], "$1")
		name = markup.ReplaceAllString(strings.ToLower(strings.TrimSpace(name)), "")
		found[strings.ReplaceAll(name, " ", "-")] = true
	}
	return found
}

// Each link to a file of the tree, or to a heading, leads there. A link to
// elsewhere is an absolute https URL; nobody is asked for it.
func TestLinksLeadSomewhere(t *testing.T) {
	all := pages(t)
	checked := 0
	for page, text := range all {
		for _, m := range link.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
			target := m[1] + m[2]
			checked++
			if strings.Contains(target, ":") {
				if !strings.HasPrefix(target, "https://") {
					t.Errorf("%s: %s is not https", page, target)
				}
				continue
			}
			path, anchor, _ := strings.Cut(target, "#")
			file := page
			if path != "" {
				file = filepath.ToSlash(filepath.Join(filepath.Dir(page), path))
				if _, err := os.Stat(filepath.Join("..", file)); err != nil {
					t.Errorf("%s: there is no %s", page, target)
					continue
				}
			}
			if anchor != "" && !anchors(all[file])[anchor] {
				t.Errorf("%s: %s has no heading #%s", page, file, anchor)
			}
		}
	}
	if checked < 20 {
		t.Errorf("only %d links found", checked)
	}
}
