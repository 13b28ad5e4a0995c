package whole

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"coatcheck/bench/stage"
	"coatcheck/bench/wire"
	"coatcheck/cmd"
)

// conns is how many requests are under way at once.
const conns = 64

// BenchmarkWholeRequest is an authenticated GET with a warm session, as often as b.N says, through all of coatcheck to an upstream that is a process of its own. The
// load is in the profile, too; it shares no code with coatcheck. Allocations are those of the proxy and of the load's latencies.
//
//	go test ./bench/whole -run='^$' -bench=. -cpuprofile=whole.pgo
func BenchmarkWholeRequest(b *testing.B) {
	for _, name := range []string{"db-sqlite", "signed_cookies", "cache-redis"} {
		b.Run(name, func(b *testing.B) {
			addr, cookie := serve(b, name)
			request := fmt.Appendf(nil, "GET / HTTP/1.1\r\nHost: %s\r\nUser-Agent: bench\r\nAccept: */*\r\nCookie: %s=%s\r\n\r\n", addr, stage.CookieName, cookie)
			load := func(n int) {
				result, err := wire.Load{Addr: addr, Conns: conns, Requests: [][]byte{request}, Total: n}.Run(time.Hour)
				if err != nil || result.Others > 0 {
					b.Fatalf("load: %d with another status than 200, such as %q; %v", result.Others, result.Other, err)
				}
			}
			load(conns)
			b.ReportAllocs()
			b.ResetTimer()
			load(b.N)
		})
	}
}

// serve runs coatcheck in this process until the benchmark ends, and logs in.
func serve(b *testing.B, name string) (addr, cookie string) {
	ctx := context.WithoutCancel(b.Context()) // its end would be that of requests that run
	dir := b.TempDir()
	binary, responder := build(b, dir, "coatcheck"), build(b, dir, "coatcheck/bench/respond")
	upstream := free(b)
	app, err := stage.Start(ctx, stage.Command{Path: responder, Args: []string{upstream}, Dir: dir, Core: -1, Log: "respond.log", Ready: stage.Accepts(upstream)})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(app.Stop)
	e, _ := stage.EngineNamed(name)
	if _, err := stage.NewSite(ctx, b, binary, dir, e, fmt.Sprintf("upstream: \"http://%s\"\n", upstream)); err != nil {
		b.Fatal(err)
	}
	addr = free(b)
	procs := runtime.GOMAXPROCS(0) // the server may set it
	b.Cleanup(func() { runtime.GOMAXPROCS(procs) })
	var out bytes.Buffer
	ended := make(chan int)
	go func() {
		ended <- cmd.Run(ctx, cmd.Process{Args: []string{"serve", "--config", filepath.Join(dir, "config.yaml"), "--listen", addr}, Environ: []string{"COATCHECK_ADMIN_LISTEN="},
			Stdin: bytes.NewReader(nil), Stdout: &out, Stderr: &out})
	}()
	b.Cleanup(func() {
		if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil { // as a service manager ends it; the server listens for it
			b.Fatal(err)
		}
		if code := <-ended; code != 0 {
			b.Errorf("serve: exit code %d\n%s", code, out.String())
		}
	})
	for !stage.Accepts(addr)(ctx) {
		time.Sleep(time.Millisecond)
	}
	if cookie, err = stage.Login(ctx, http.DefaultClient, "http://"+addr, stage.User); err != nil {
		b.Fatal(err)
	}
	return addr, cookie
}

func build(b *testing.B, dir, pkg string) string {
	b.Helper()
	file, err := stage.Build(b.Context(), dir, pkg, !stage.Release)
	if err != nil {
		b.Fatal(err)
	}
	return file
}

func free(b *testing.B) string {
	b.Helper()
	addr, err := stage.FreeAddr()
	if err != nil {
		b.Fatal(err)
	}
	return addr
}
