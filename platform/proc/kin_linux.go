package proc

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
)

func statOf(pid int) (Stat, error) {
	path := "/proc/" + strconv.Itoa(pid) + "/stat"
	line, err := readFile(path)
	if err != nil {
		return Stat{}, err
	}
	stat, err := parseStat(line)
	if err != nil {
		err = fmt.Errorf("%s: %w", path, err)
	}
	return stat, err
}

func parent(pid int) int {
	stat, _ := statOf(pid) // unknown is 0
	return stat.Parent
}

func threads(pid int) (ids []int, err error) {
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	for _, e := range entries {
		if id, err := strconv.Atoi(e.Name()); err == nil {
			ids = append(ids, id)
		}
	}
	return ids, err
}

func children(pid, thread int) (pids []int, err error) {
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, thread))
	for word := range bytes.FieldsSeq(content) {
		if pid, err := strconv.Atoi(string(word)); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids, err
}
