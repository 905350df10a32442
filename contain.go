package slogship

// contain runs f, which calls code of the user's, and reports whether it returned.
// It does not if it ends its goroutine (runtime.Goexit, as testing's FailNow does),
// which nothing can stop: so f has a goroutine of its own, for which contain waits.
// A panic in f is one in its caller.
func contain(f func()) (returned bool) { return begin(f)() }

// begin is contain that does not wait: wait does, which is called once.
func begin(f func()) (wait func() (returned bool)) {
	type end struct {
		returned bool
		panicked any
	}
	ended := make(chan end, 1)
	go func() {
		var e end
		defer func() {
			if !e.returned {
				e.panicked = recover() // nil after a Goexit
			}
			ended <- e
		}()
		f()
		e.returned = true
	}()
	return func() bool {
		e := <-ended
		if e.panicked != nil {
			panic(e.panicked)
		}
		return e.returned
	}
}
