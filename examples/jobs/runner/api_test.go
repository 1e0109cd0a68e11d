//go:build unix

package runner_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

func TestTheAPI(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.jobs("", b.job("work", `cat; echo " $JOBS_PARAMS $JOBS_NAME $JOBS_TRIGGER"; test $(ps -o pgid= $$) = $$ && echo leads`, ""))
	b.primary()
	id := b.post("work", params, "Idempotency-Key", "order-7")
	if again := b.post("work", params, "Idempotency-Key", "order-7"); again != id {
		t.Errorf("a key that is known is run %d, want %d", again, id)
	}
	b.awaitState(id, "finished")
	if again := b.post("work", params, "Idempotency-Key", "order-7"); again != id {
		t.Errorf("a key that is known is run %d, want %d", again, id)
	}
	if _, out := b.ask("GET", fmt.Sprintf("/v1/runs/%d/output", id), ""); out != params+" "+params+" work api\nleads\n" {
		t.Errorf("output %q", out)
	}
	_, text := b.ask("GET", fmt.Sprintf("/v1/runs/%d", id), "")
	var shown map[string]any
	if err := json.Unmarshal([]byte(text), &shown); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]any{"id": float64(id), "job": "work", "trigger": "api", "state": "finished", "attempt": 1.0, "rerun_of": 0.0} {
		if shown[key] != want {
			t.Errorf("%s is %v, want %v", key, shown[key], want)
		}
	}
	if _, text := b.ask("GET", "/v1/runs", ""); !strings.HasPrefix(text, "[{") {
		t.Errorf("runs: %s", text)
	}
	if _, text := b.ask("GET", "/v1/jobs", ""); text != `[{"name":"work"}]`+"\n" {
		t.Errorf("jobs: %s", text)
	}
	cases := []struct {
		method, path, body string
		header             []string
		code               int
	}{
		{"POST", "/v1/jobs/none/runs", "", nil, http.StatusNotFound},
		{"POST", "/v1/jobs/work/runs", "{", nil, http.StatusBadRequest},
		{"POST", "/v1/jobs/work/runs", `"` + strings.Repeat("x", 9000) + `"`, nil, http.StatusRequestEntityTooLarge},
		{"POST", "/v1/jobs/work/runs", "{}", []string{"Idempotency-Key", "order-7"}, http.StatusUnprocessableEntity},
		{"POST", "/v1/jobs/work/runs", "", []string{"Idempotency-Key", strings.Repeat("x", 300)}, http.StatusBadRequest},
		{"POST", "/v1/jobs/work/runs", "", []string{"Origin", "http://evil.example"}, http.StatusForbidden},
		{"POST", "/v1/jobs/work/runs", "", []string{"Host", "evil.example"}, http.StatusForbidden},
		{"GET", "/v1/runs", "", []string{"Host", "evil.example:80"}, http.StatusForbidden},
		{"GET", "/v1/runs/999", "", nil, http.StatusNotFound},
		{"GET", "/v1/runs/x", "", nil, http.StatusNotFound},
		{"GET", "/v1/runs?limit=x", "", nil, http.StatusBadRequest},
		{"PUT", fmt.Sprintf("/v1/runs/%d/checkpoint", id), "1", nil, http.StatusConflict},
		{"DELETE", fmt.Sprintf("/v1/runs/%d", id), "", nil, http.StatusConflict},
		{"POST", "/v1/workers/a%20b/next", "", nil, http.StatusBadRequest},
		{"POST", fmt.Sprintf("/v1/workers/one/runs/%d/report", id), "{}", nil, http.StatusConflict},
	}
	for _, c := range cases {
		if code, text := b.ask(c.method, c.path, c.body, c.header...); code != c.code {
			t.Errorf("%s %s %.40s %.60s: %d %s, want %d", c.method, c.path, c.body, c.header, code, text, c.code)
		}
	}
	if all := b.list(); len(all) != 1 {
		t.Errorf("what was refused is listed: %+v", all)
	}
}

func TestWhoLacksTheTokenIsRefused(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.write("token", "0123456789abcdef\n")
	b.configure("", fmt.Sprintf("token_file = %q", b.path("token")))
	p := b.primary()
	for _, header := range [][]string{nil, {"Authorization", "Bearer 0123456789abcdee"}, {"Authorization", "0123456789abcdef0"}} {
		for _, path := range []string{"/v1/jobs/work/runs", "/v1/workers/one/next"} {
			if code, _ := b.ask("POST", path, "", header...); code != http.StatusUnauthorized {
				t.Errorf("%v: %d", header, code)
			}
		}
	}
	if code, text := b.ask("POST", "/v1/jobs/work/runs", "", "Authorization", "Bearer 0123456789abcdef"); code != http.StatusAccepted {
		t.Errorf("%d %s", code, text)
	}
	b.worker("one", "--token-file", b.path("token"))
	p.says("a worker has joined")
	if code, out := b.call("trigger", "work", "--wait", "--key", "k"); code != 0 || b.count("end", "k") != 1 {
		t.Errorf("trigger: %d %s, %v", code, out, b.effects())
	}
	p.stop()
	if err := os.Chmod(b.path("token"), 0o644); err != nil {
		t.Fatal(err)
	}
	if code, out := b.call("run"); code == 0 || !strings.Contains(out, "others can read it") {
		t.Errorf("%d %s", code, out)
	}
	if code, out := b.call("check"); code == 0 || !strings.Contains(out, "others can read it") {
		t.Errorf("check: %d %s", code, out)
	}
}

func TestTriggerTells(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.jobs("", b.job("good", "exit 0", ""), b.job("bad", "exit 3", ""))
	b.write("config.new", "")
	if code, out := b.call("trigger", "good"); code != 1 || !strings.Contains(out, "it does not run") {
		t.Errorf("down: %d %s", code, out)
	}
	b.primary()
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"trigger", "good", "--wait"}, 0, "1\n"},
		{[]string{"trigger", "bad", "--wait"}, 1, "failed: exit status 3"},
		{[]string{"trigger", "none"}, 1, `no job "none"`},
		{[]string{"trigger", "good", "--params", "{"}, 2, "not JSON"},
		{[]string{"trigger"}, 2, ""},
		{[]string{"worker", "--join", "127.0.0.1:1"}, 2, "--worker-name"},
		{[]string{"worker", "--worker-name", "x"}, 2, "--join"},
	} {
		if code, out := b.call(c.args...); code != c.code || !strings.Contains(out, c.says) {
			t.Errorf("%q: %d %s", c.args, code, out)
		}
	}
}

func TestAWorkersNameIsTakenOnce(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.configure("", "")
	p := b.primary()
	b.worker("one")
	p.says("a worker has joined")
	if code, out := b.call("worker", "--join", b.address(), "--worker-name", "one"); code == 0 || !strings.Contains(out, "already running") {
		t.Errorf("%d %s", code, out)
	}
}

// A rerun gets the checkpoint that the child has saved.
func TestACheckpointComesBack(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	save := `
echo "begin $JOBS_IDEMPOTENCY_KEY $JOBS_RUN_ID $JOBS_ATTEMPT from$JOBS_CHECKPOINT" >>"$0/effects"
while [ -e "$0/block" ]; do sleep 0.05; done`
	b.block()
	b.jobs("", b.job("work", save, "rerun_if_interrupted = true"))
	p := b.primary()
	w := b.begin("api")
	if code, text := b.ask("PUT", fmt.Sprintf("/v1/runs/%d/checkpoint", w.id), "7"); code != http.StatusNoContent {
		t.Fatal(code, text)
	}
	p.stop()
	b.primary()
	b.awaitCount("begin", w.key, 2)
	if got := b.effects()[1].rest; got != "from7" {
		t.Errorf("%q", got)
	}
	if code, text := b.ask("PUT", fmt.Sprintf("/v1/runs/%d/checkpoint", w.id), "8"); code != http.StatusConflict {
		t.Error("a run that was cut off saves something: ", code, text)
	}
	b.unblock()
}

func TestOutputIsKeptUpToALimit(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.jobs("", b.job("work", `head -c 3000000 /dev/zero | tr '\0' x`, ""))
	b.primary()
	id := b.post("work", "")
	b.awaitState(id, "finished")
	info, err := os.Stat(filepath.Join(b.path("state/jobs.runs"), strconv.FormatUint(id, 10), "output"))
	if err != nil || info.Size() != 1<<20 {
		t.Errorf("%v, %v", info, err)
	}
}

// When a command ends, nothing that it has started is left.
func TestWhatACommandLeavesBehindIsEnded(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.jobs("", b.job("work", `(sleep 1000 & echo "pid x 1 1 $!" >>"$0/effects"); exit 0`, ""))
	b.primary()
	b.awaitState(b.post("work", ""), "finished")
	pid, _ := strconv.Atoi(b.effects()[0].rest)
	gone(t, pid)
}
