package sensor_test

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"testing"
)

var (
	writeTo   = flag.String("traffic.write", "", "write a generated conn.log to this file, and do nothing else")
	writeKind = flag.String("traffic.kind", "easy", "easy, hard or scanners")
	writeRows = flag.Int("traffic.rows", 2_000_000, "rows to write")
)

// TestWriteTraffic writes the files that docs/measure-scan.sh measures with.
func TestWriteTraffic(t *testing.T) {
	if *writeTo == "" {
		return // a tool: -traffic.write names the file
	}
	f, err := os.Create(*writeTo)
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriterSize(f, 1<<20)
	if *writeKind == "eve" {
		writeEVE(w, *writeRows)
	} else {
		writeConn(w, *writeKind, *writeRows)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

const connHeader = "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tconn\n" +
	"#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice\tduration\torig_bytes\tresp_bytes\tconn_state\tlocal_orig\tlocal_resp\tmissed_bytes\thistory\torig_pkts\torig_ip_bytes\tresp_pkts\tresp_ip_bytes\ttunnel_parents\n" +
	"#types\ttime\tstring\taddr\tport\taddr\tport\tenum\tstring\tinterval\tcount\tcount\tstring\tbool\tbool\tcount\tstring\tcount\tcount\tcount\tcount\tset[string]\n"

// writeConn writes a day of conn.log. Easy: 200 hosts, 25 servers each, called
// again and again. Hard: 4,000 hosts with 500,000 ways between them and 300,000
// servers, and a million outsiders who try a port each.
func writeConn(w io.Writer, kind string, rows int) {
	r := rand.New(rand.NewPCG(1, 2))
	fmt.Fprint(w, connHeader)
	const start, span = 1_760_000_000.0, 86400.0
	scanners, ways := 0, 0
	for i := range rows {
		ts := start + span*float64(i)/float64(rows)
		switch {
		case kind == "hard" && i%5 < 2:
			s := scanners % 1_000_000
			scanners++
			fmt.Fprintf(w, "%.6f\tCs%d\t%d.%d.%d.%d\t%d\t10.0.%d.%d\t%d\ttcp\t-\t-\t-\t-\tS0\tF\tT\t0\tS\t1\t40\t0\t0\t-\n", ts, i,
				103+s/65536%16, s/256%256, s%256, 1+s/1048576, 40000+i%20000, i/7%16, i/3%250+1, []int{22, 23, 80, 443, 445, 3389}[i%6])
		case kind == "hard":
			n := ways
			if n >= 500_000 {
				n = r.IntN(500_000)
			}
			ways++
			host, server := n%4000, n*7919%300_000
			fmt.Fprintf(w, "%.6f\tCh%d\t10.0.%d.%d\t%d\t%d.%d.%d.%d\t443\ttcp\tssl\t%.3f\t%d\t%d\tSF\tT\tF\t0\tShADadFf\t12\t1200\t14\t%d\t-\n", ts, i,
				host/250, host%250+1, 30000+i%30000, 150+server/65536%8, server/256%256, server%256, 7, r.Float64()*30, 500+r.IntN(2000), 3000+r.IntN(90000), 4000+r.IntN(90000))
		default:
			host := r.IntN(200)
			server := host*7 + r.IntN(25)
			fmt.Fprintf(w, "%.6f\tCe%d\t10.0.0.%d\t%d\t198.51.%d.%d\t443\ttcp\tssl\t%.3f\t%d\t%d\tSF\tT\tF\t0\tShADadFf\t12\t1200\t14\t%d\t-\n", ts, i,
				host+1, 30000+i%30000, server/250, server%250+1, r.Float64()*30, 500+r.IntN(2000), 3000+r.IntN(90000), 4000+r.IntN(90000))
		}
	}
}

// writeEVE writes flow events as Suricata does, a tenth of them DNS.
func writeEVE(w io.Writer, rows int) {
	r := rand.New(rand.NewPCG(3, 4))
	for i := range rows {
		s := i * 86400 / rows
		host, server := r.IntN(200), r.IntN(5000)
		at := fmt.Sprintf("2026-11-20T%02d:%02d:%02d.%06d+0000", s/3600, s/60%60, s%60, i%1_000_000)
		if i%10 == 0 {
			fmt.Fprintf(w, `{"timestamp":"%s","flow_id":%d,"in_iface":"eth0","event_type":"dns","src_ip":"10.0.0.%d","src_port":%d,"dest_ip":"192.0.2.53","dest_port":53,"proto":"UDP","dns":{"version":2,"type":"answer","id":%d,"flags":"8180","qr":true,"rd":true,"ra":true,"rrname":"h%d.example.net","rrtype":"A","rcode":"NOERROR","answers":[{"rrname":"h%d.example.net","rrtype":"A","ttl":60,"rdata":"198.51.%d.%d"}]}}`+"\n",
				at, 1_000_000+i, host+1, 30000+i%30000, i%65536, server, server, server/250%256, server%250+1)
			continue
		}
		fmt.Fprintf(w, `{"timestamp":"%s","flow_id":%d,"in_iface":"eth0","event_type":"flow","src_ip":"10.0.0.%d","src_port":%d,"dest_ip":"198.51.%d.%d","dest_port":443,"proto":"TCP","app_proto":"tls","flow":{"pkts_toserver":12,"pkts_toclient":14,"bytes_toserver":%d,"bytes_toclient":%d,"start":"%s","end":"%s","age":2,"state":"closed","reason":"timeout","alerted":false},"tcp":{"tcp_flags":"1b","tcp_flags_ts":"1b","tcp_flags_tc":"1b","syn":true,"fin":true,"psh":true,"ack":true,"state":"closed"}}`+"\n",
			at, 1_000_000+i, host+1, 30000+i%30000, server/250%256, server%250+1, 1500+r.IntN(1000), 4000+r.IntN(90000), at, at)
	}
}
