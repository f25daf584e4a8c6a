package capture

import (
	"fmt"
	"strings"
	"testing"
)

const connHeader = "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tconn\n" +
	"#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice\tduration\torig_bytes\tresp_bytes\tconn_state\tlocal_orig\tlocal_resp\tmissed_bytes\thistory\torig_pkts\torig_ip_bytes\tresp_pkts\tresp_ip_bytes\ttunnel_parents\n"

// connRows writes n plausible rows of conn.log, no two between the same endpoints.
func connRows(n int) string {
	var t strings.Builder
	t.WriteString(connHeader)
	for i := range n {
		fmt.Fprintf(&t, "%d.%06d\tC%017x\t10.%d.%d.%d\t%d\t203.0.%d.%d\t443\ttcp\tssl\t%d.%06d\t%d\t%d\tSF\tT\tF\t0\tShADadFf\t%d\t%d\t%d\t%d\t(empty)\n",
			1700000000+i/100, i%100*9973, i*7919, i>>16&255, i>>8&255, i&255, 1024+i*31%60000, i>>8&255, i&255, i%300, i%1000000, i%5000, i*3%90000, i%40, i%9000, i%60, i%99000)
	}
	return t.String()
}

func BenchmarkZeekConn(b *testing.B) { measure(b, "conn.log", []byte(connRows(20_000))) }
