//go:build linux || darwin
package test_test
import ("testing";"time";"sync";"os")
func TestXProbe(t *testing.T) {
	p := newPlace(t)
	begin := time.Now()
	var all []*process
	for range 200 { all = append(all, p.start(t, plan{Barrier:true})) }
	t.Log("launched", time.Since(begin))
	b,_ := os.ReadFile("/proc/meminfo"); t.Logf("%.120s", b)
	begin = time.Now()
	for _, a := range all { a.stdin.Close() }
	won := 0
	for _, a := range all { 
		select { case <-a.ended: default: 
		   }
	}
	_ = won
	time.Sleep(3*time.Second)
	n:=0
	for _, a := range all { if a.alive() { n++ } }
	t.Log("alive", n)
}
func TestXLives(t *testing.T) {
	begin := time.Now()
	sem := make(chan int, 8)
	var wg sync.WaitGroup
	for range 200 {
		sem <- 1
		wg.Go(func() { defer func() { <-sem }()
			p := newPlace(t)
			a := p.ready(t, plan{})
			a.stop(t)
		})
	}
	wg.Wait()
	t.Log("200 lives", time.Since(begin))
}
