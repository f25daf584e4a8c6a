package capture

import "bytes"

// tcpService names a protocol by what a side says first, with Zeek's words; "" if it
// isn't one of those whose beginning can't be mistaken.
func tcpService(data []byte, s *session) string {
	begins := func(text string) bool { return bytes.HasPrefix(data, []byte(text)) }
	switch {
	case begins("SSH-"):
		return "ssh"
	case begins("\x13BitTorrent protocol"):
		return "bittorrent"
	case begins("220 ") && (s.respPort == 25 || s.respPort == 587 || s.respPort == 465 || bytes.Contains(data, []byte("SMTP"))), begins("EHLO "), begins("HELO "):
		return "smtp"
	case begins("220 ") || begins("220-"):
		return "ftp"
	case begins("NICK ") || begins("PASS ") && bytes.Contains(data, []byte("\nNICK ")):
		return "irc"
	case begins("+OK"):
		return "pop3"
	case begins("* OK"):
		return "imap"
	case begins("RFB 00"):
		return "rfb"
	case len(data) > 8 && data[0] == 0 && (string(data[4:8]) == "\xffSMB" || string(data[4:8]) == "\xfeSMB"):
		return "smb"
	case len(data) > 10 && data[0] == 3 && data[1] == 0 && data[5] == 0xe0 && s.respPort == 3389:
		return "rdp"
	}
	return ""
}

// udpService names a protocol by a datagram; "" as above.
func udpService(data []byte, s *session) string {
	switch {
	case s.respPort == 123 && len(data) >= 48 && data[0]>>3&7 <= 4:
		return "ntp"
	case s.respPort == 67 && len(data) > 240 && string(data[236:240]) == "\x63\x82\x53\x63":
		return "dhcp"
	case len(data) > 20 && data[0] == 'd' && data[len(data)-1] == 'e' && (bytes.Contains(data, []byte("1:y1:q")) || bytes.Contains(data, []byte("1:y1:r"))):
		return "bittorrent" // Mainline DHT (BEP 5)
	case bytes.HasPrefix(data, []byte("M-SEARCH * HTTP/1.1")), bytes.HasPrefix(data, []byte("NOTIFY * HTTP/1.1")):
		return "ssdp"
	case len(data) >= 20 && data[0] < 4 && string(data[4:8]) == "\x21\x12\xa4\x42":
		return "stun"
	case s.respPort == 161 && len(data) > 6 && data[0] == 0x30:
		return "snmp"
	}
	return ""
}
