package behaviour_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/test/bed"
)

const containerDir = "../../examples/wrap/container"

// TestWrapImage does by hand what the Dockerfile of examples/wrap says, in the root file
// system of the same Debian. It starts the entry point as process 1 there, and sends the
// probes of the pod. It uses neither Docker nor Kubernetes: the packages are those of the bed,
// and the script below does what they would do.
func TestWrapImage(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("beds take a while")
	}
	b := bed.Require(t, "systemd257")
	dockerfile := readFile(t, filepath.Join(containerDir, "Dockerfile"))
	for from, to := range map[string]string{build(t, "./examples/wrap"): "/usr/local/bin/wrap", filepath.Join(containerDir, "cache.toml"): "/etc/cache.toml"} {
		if !strings.Contains(dockerfile, " "+to+"\n") {
			t.Errorf("the Dockerfile puts nothing at %s", to)
		}
		if err := b.Put(from, to, map[bool]os.FileMode{true: 0o755, false: 0o644}[strings.HasPrefix(to, "/usr")]); err != nil {
			t.Fatal(err)
		}
	}
	pod := readFile(t, filepath.Join(containerDir, "pod.yaml"))
	script := fmt.Sprintf("makes=%s\nuser=%s\nentry=%s\nready=%s\nalive=%s\n%s",
		quoted(last(t, dockerfile, `(?m)^RUN (useradd .*)$`)), last(t, dockerfile, `(?m)^USER (.*)$`), quoted(argvOf(t, dockerfile, `(?m)^ENTRYPOINT (\[.*\])$`)),
		quoted(argvOf(t, pod, `readinessProbe:\s+exec:\s+command: (\[.*\])`)), quoted(argvOf(t, pod, `livenessProbe:\s+exec:\s+command: (\[.*\])`)), image)
	if err := b.Write("/tmp/app.image", []byte(script), 0o644); err != nil {
		t.Fatal(err)
	}
	out := b.MustRun(t, "/bin/sh", "/tmp/app.image")
	for _, want := range []string{
		"process 1 is wrap, of cache", "redis of cache answers PONG", "ready and alive",
		"a stop: exit code 0", "no marks", "started again: 1",
	} {
		if !strings.Contains(out, want+"\n") {
			t.Errorf("%q is missing:\n%s", want, out)
		}
	}
}

// last returns the first group of the last match of pattern.
func last(t *testing.T, text, pattern string) string {
	t.Helper()
	all := regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1)
	if len(all) == 0 {
		t.Fatalf("nothing matches %s in\n%s", pattern, text)
	}
	return all[len(all)-1][1]
}

// argvOf returns that group as a command, whose words need no quotes.
func argvOf(t *testing.T, text, pattern string) string {
	t.Helper()
	var words []string
	if err := json.Unmarshal([]byte(last(t, text, pattern)), &words); err != nil {
		t.Fatal(err)
	}
	return strings.Join(words, " ")
}

// quoted returns text as one word of a shell.
func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// image is the rest of the script. A container has its own root, mounts and processes. /run
// and /var/lib/cache outlive the process, as in a container that is restarted.
const image = `
set -eu
await() { until eval "$1"; do sleep 0.1; done; }
root=/tmp/app.root
mkdir $root
mount -t tmpfs none $root
mkdir $root/upper $root/work $root/all
mount -t overlay -o lowerdir=/,upperdir=$root/upper,workdir=$root/work overlay $root/all
ln -sf redis-check-rdb $root/all/usr/bin/redis-server
rm -rf $root/all/run && mkdir $root/all/run
chroot $root/all sh -c "$makes"
start() {
	unshare --mount --pid --fork --kill-child sh -c 'mount -t proc none $1/proc; mount --rbind /dev $1/dev; shift; exec "$@"' \
		sh $root/all chroot --userspec=$user:$user $root/all $entry >>/tmp/app.out 2>&1 &
	container=$!
	await 'test -e $root/all/run/cache/ready'
	first=$(pgrep -P $container)
}
inside() { nsenter --target $first --mount --pid --root --wd=/ setpriv --reuid $user --regid $user --clear-groups "$@"; }
start
echo "process 1 is $(inside ps -o comm= 1), of $(inside ps -o user= 1)"
echo "redis of $(inside ps -o user= -C redis-server) answers $(inside redis-cli -p 6400 ping)"
inside redis-cli -p 6400 incr starts
inside $ready && inside $alive && echo ready and alive
kill $first
code=0
wait $container || code=$?
echo "a stop: exit code $code"
test -e $root/all/run/cache/ready || test -e $root/all/run/cache/well || echo no marks
start
echo "started again: $(inside redis-cli -p 6400 get starts)"
kill $first
wait $container
umount -R $root
`
