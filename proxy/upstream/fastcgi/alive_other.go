//go:build !unix

package fastcgi

import "net"

// alive cannot tell here; a request on a closed connection fails, and is sent again where it is replayable.
func alive(net.Conn) bool { return true }
