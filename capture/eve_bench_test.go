package capture

import (
	"fmt"
	"strings"
	"testing"
)

// eveEventsText writes n events in the mix of a busy sensor: of ten, five flows, two
// questions with their answers, one handshake.
func eveEventsText(n int) string {
	var t strings.Builder
	for i := range n {
		head := fmt.Sprintf(`{"timestamp":"2026-11-24T03:%02d:%02d.%06d+0000","flow_id":%d,"in_iface":"eth0",`, i/6000%60, i/100%60, i%100*9973, 1<<50+i/2)
		ends := fmt.Sprintf(`"src_ip":"10.%d.%d.%d","src_port":%d,"dest_ip":"203.0.113.%d",`, i>>16&255, i>>8&255, i&255, 1024+i*31%60000, i&255)
		switch i % 10 {
		case 0, 1, 2, 3, 4:
			t.WriteString(head + `"event_type":"flow",` + ends + fmt.Sprintf(`"dest_port":443,"proto":"TCP","app_proto":"tls","flow":{"pkts_toserver":%d,"pkts_toclient":%d,"bytes_toserver":%d,"bytes_toclient":%d,"start":"2026-11-24T03:00:00.000001+0000","end":"2026-11-24T03:00:09.5+0000","age":9,"state":"closed","reason":"timeout","alerted":false},"tcp":{"tcp_flags":"1b","tcp_flags_ts":"1b","tcp_flags_tc":"1b","syn":true,"fin":true,"psh":true,"ack":true,"state":"closed"},"host":"sensor-1"}`, i%40, i%60, i%9000, i%99000))
		case 5, 7:
			t.WriteString(head + `"event_type":"dns",` + strings.Replace(ends, "203.0.113", "192.0.2", 1) + fmt.Sprintf(`"dest_port":53,"proto":"UDP","dns":{"type":"query","id":%d,"rrname":"host%d.example.org","rrtype":"A","tx_id":0,"opcode":0},"host":"sensor-1"}`, i&65535, i%5000))
		case 6, 8:
			t.WriteString(head + `"event_type":"dns",` + ends + fmt.Sprintf(`"dest_port":53,"proto":"UDP","dns":{"version":2,"type":"answer","id":%d,"flags":"8180","qr":true,"rd":true,"ra":true,"rrname":"host%d.example.org","rrtype":"A","rcode":"NOERROR","answers":[{"rrname":"host%d.example.org","rrtype":"A","ttl":300,"rdata":"198.51.100.%d"}],"grouped":{"A":["198.51.100.%d"]}},"host":"sensor-1"}`, (i-1)&65535, (i-1)%5000, (i-1)%5000, i&255, i&255))
		default:
			t.WriteString(head + `"event_type":"tls",` + ends + `"dest_port":443,"proto":"TCP","tls":{"subject":"CN=www.example.org","issuerdn":"C=XX, O=Example, CN=Example CA","serial":"17:8E:1E:D7","fingerprint":"2d:d1:9f:80:99:86:fc:ac:5f:2a:2a:fd:a3:f3:7e:96:7c:dd:24:37","sni":"www.example.org","version":"TLS 1.2","notbefore":"2026-03-19T09:44:08","notafter":"2027-03-20T09:44:08","ja3":{"hash":"b7202231ff2db28363c109cedc6d1642","string":"770,51-57-69-136-22-53-132-47-65-10-5-4,0,,"},"ja3s":{"hash":"ad90cab724fafab2660fbf61673c91a9","string":"770,51,0"}},"host":"sensor-1"}`)
		}
		t.WriteByte('\n')
	}
	return t.String()
}

func BenchmarkEVE(b *testing.B) { measure(b, "eve.json", []byte(eveEventsText(20_000))) }
