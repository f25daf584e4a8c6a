package capture

import (
	"fmt"
	"strings"
	"testing"
)

// connJSON writes n rows of conn.log as JSON.
func connJSON(n int) string {
	var t strings.Builder
	for i := range n {
		fmt.Fprintf(&t, `{"ts":%d.%06d,"uid":"C%017x","id.orig_h":"10.%d.%d.%d","id.orig_p":%d,"id.resp_h":"203.0.%d.%d","id.resp_p":443,"proto":"tcp","service":"ssl","duration":0.%06d,"orig_bytes":%d,"resp_bytes":%d,"conn_state":"SF","local_orig":true,"local_resp":false,"missed_bytes":0,"history":"ShADadFf","orig_pkts":%d,"orig_ip_bytes":%d,"resp_pkts":%d,"resp_ip_bytes":%d}`+"\n",
			1700000000+i/100, i%100*9973, i*7919, i>>16&255, i>>8&255, i&255, 1024+i*31%60000, i>>8&255, i&255, i%1000000, i%5000, i*3%90000, i%40, i%9000, i%60, i%99000)
	}
	return t.String()
}

func BenchmarkZeekJSON(b *testing.B) { measure(b, "conn.log", []byte(connJSON(20_000))) }
