package main

import "time"

// amounts say how much a round measures.
type amounts struct {
	warm     int           // rounds before those that count, which create files and warm caches
	instants int           // SIGHUPs after exec, each to a process of its own
	reloads  int           // of one life; the value of the round is their median
	together int           // instances that start at once
	held     []int         // locks on the machine while a program starts
	idle     time.Duration // while wake-ups are counted
	checks   int           // of health
	lines    int           // of a log, fewer than may wait for a destination
	locks    int           // times that each lock is taken; the value is the mean
	work     int           // pieces of work that all writers of a journal finish together
	least    int           // pieces of work of each writer, so that the growth of the file does not count
	entries  int           // open entries of a journal that a start finds, a multiple of 1000
	requests int           // reloads that each goroutine requests
	services int           // of which `fleet status` tells

	connections int // of each of those who connect at the same time
}

// full are the amounts for numbers that mean something.
func full() amounts {
	return amounts{
		warm: 1, instants: 40, reloads: 5, together: 200, held: []int{1, 10, 100, 1000, 10_000}, idle: time.Minute, checks: 1000, lines: 10_000,
		locks: 100, work: 256, least: 32, entries: 100_000, requests: 100_000, services: 1000,
		connections: 1000,
	}
}

// few are the amounts for a test, which only sees that everything is measured.
func few() amounts {
	return amounts{
		instants: 2, reloads: 1, together: 3, held: []int{1, 10}, idle: 50 * time.Millisecond, checks: 3, lines: 10,
		locks: 2, work: 64, least: 1, entries: 1000, requests: 100, services: 3,
		connections: 10,
	}
}
