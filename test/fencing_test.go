package test_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// fencedRow runs its argument, an SQL statement, for three leaders. It prints how many rows
// each has changed, and the row.
const fencedRow = `
import sqlite3, sys
db = sqlite3.connect(":memory:")
db.execute("CREATE TABLE account (id INTEGER PRIMARY KEY, balance INTEGER, fence INTEGER NOT NULL DEFAULT 0)")
db.execute("INSERT INTO account (id, balance) VALUES (1, 0)")
for token, balance in ((9, 90), (9, 91), (10, 100), (9, 92)):
    print(db.execute(sys.argv[1], {"id": 1, "token": token, "balance": balance}).rowcount)
print(*db.execute("SELECT balance, fence FROM account").fetchone())
`

// The statement of the documentation refuses an older leader.
func TestTheFencedRowOfTheDocumentation(t *testing.T) {
	page, err := os.ReadFile("../docs/clusters.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(strings.ReplaceAll(string(page), "\r\n", "\n"), "```sql\n")
	statement, _, ended := strings.Cut(rest, "```")
	if !found || !ended {
		t.Fatal("docs/clusters.md has no statement")
	}
	python, err := exec.LookPath("python3")
	if err == nil {
		err = exec.Command(python, "-c", "import sqlite3").Run()
	}
	if err != nil {
		t.Skip("there is no python3 with sqlite3 here, the database of this test:", err)
	}
	out, err := exec.Command(python, "-c", fencedRow, statement).CombinedOutput()
	if got, want := strings.ReplaceAll(string(out), "\r\n", "\n"), "1\n1\n1\n0\n100 10\n"; err != nil || got != want {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
}
