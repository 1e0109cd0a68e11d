package service_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"

	"github.com/holdfast-dev/holdfast/singleton"
)

// Files on a shared file system are named after the token of the leader that wrote them. What
// an old leader writes late is not read.
func Example_fencedFiles() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()

	write := func(term singleton.Term, text string) error {
		path := filepath.Join(dir, fmt.Sprintf("report.%020d", term.Token()))
		if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
			return err
		}
		return os.Rename(path+".new", path)
	}
	read := func() (string, error) {
		names, err := filepath.Glob(filepath.Join(dir, "report."+"[0-9]*[0-9]")) // none that ends in .new
		if err != nil || len(names) == 0 {
			return "", err
		}
		text, err := os.ReadFile(slices.Max(names))
		return string(text), err
	}

	older, newer := singleton.LocalTerm(9), singleton.LocalTerm(10) // of rt.Term()
	fmt.Println(write(older, "by the older leader"))
	fmt.Println(write(newer, "by the newer leader"))
	fmt.Println(write(older, "by the older leader, late"))
	fmt.Println(read())
	// Output:
	// <nil>
	// <nil>
	// <nil>
	// by the newer leader <nil>
}

// The receiver of requests refuses those of an older leader.
func Example_fencedRequests() {
	var (
		mu       sync.Mutex
		greatest uint64 // on disk, in a receiver that restarts
	)
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, err := strconv.ParseUint(r.Header.Get("Fencing-Token"), 10, 64)
		mu.Lock() // until the request is done
		defer mu.Unlock()
		switch {
		case err != nil:
			http.Error(w, "a fencing token is needed", http.StatusBadRequest)
		case token < greatest:
			http.Error(w, "another instance leads", http.StatusConflict)
		default:
			greatest = token
		}
	}))
	defer receiver.Close()

	post := func(term singleton.Term) {
		request, err := http.NewRequest(http.MethodPost, receiver.URL, nil)
		if err != nil {
			panic(err)
		}
		request.Header.Set("Fencing-Token", strconv.FormatUint(term.Token(), 10))
		answer, err := receiver.Client().Do(request)
		if err != nil {
			panic(err)
		}
		_ = answer.Body.Close()
		fmt.Println(term.Token(), answer.Status)
	}
	post(singleton.LocalTerm(9)) // of rt.Term()
	post(singleton.LocalTerm(10))
	post(singleton.LocalTerm(9))
	// Output:
	// 9 200 OK
	// 10 200 OK
	// 9 409 Conflict
}
