package cmd

import (
	"strings"
	"testing"

	"coatcheck/internal/config"
)

// With reuse_port the next process listens before the former one stops; without it, the port is taken.
func TestSharedPort_F24(t *testing.T) {
	for name, shared := range map[string]bool{"shared": true, "not shared": false} {
		t.Run(name, func(t *testing.T) {
			former, err := openDoors(t.Context(), config.Config{Listen: "127.0.0.1:0", ReusePort: shared}, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer former.close()
			next, err := openDoors(t.Context(), config.Config{Listen: former.public.Addr().String(), ReusePort: shared}, nil)
			defer next.close()
			if shared && err != nil || !shared && (err == nil || !strings.Contains(err.Error(), "listen: the address")) {
				t.Errorf("the second to listen: %v", err)
			}
		})
	}
}
