/** A certificate that signed itself, made with openssl, and what openssl and Python's hashlib say of it. */
export const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBRjCB7AIBATAKBggqhkjOPQQDAjAuMQswCQYDVQQGEwJERTENMAsGA1UECgwE
YWNtZTEQMA4GA1UEAwwHbWV0ZXItNzAgFw0yMDAxMDEwMDAwMDBaGA8yMTAwMDEw
MTAwMDAwMFowLjELMAkGA1UEBhMCREUxDTALBgNVBAoMBGFjbWUxEDAOBgNVBAMM
B21ldGVyLTcwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAR+vSrpXuflihcubrWT
NSDLDQcYoMP6xV0+wh2jXk45HM/+khmOZMINs3hc+kd9o8J1RkJExx+hRfUShBcU
xrSWMAoGCCqGSM49BAMCA0kAMEYCIQCO6AbFnCWfvYJ8bRSVj1nf+mkuLakmbRfI
q/JxSlK4HwIhALKVDfU+y/uVZHpZCd5si/8O4D0sY96OYLSMmOAti5Fl
-----END CERTIFICATE-----
`
export const CERTIFICATE_DER = Buffer.from(CERTIFICATE.replaceAll(/-----.*-----/g, ''), 'base64')
export const CERTIFICATE_FACTS = {
  subject: 'C=DE, O=acme, CN=meter-7',
  fingerprint:
    'CE:52:97:7F:A1:60:54:F8:FF:8B:BC:02:21:BF:6B:8E:FC:1F:A7:CD:38:A1:B1:F3:4A:96:21:23:1C:D5:53:39',
  validFrom: new Date('2020-01-01T00:00:00Z'),
  validTo: new Date('2100-01-01T00:00:00Z'),
}
/** SHA3-256 of the text between the PEM's first and last line, without its line ends. */
export const CERTIFICATE_HASH = '5ecd21e8a0c8753a4f467bb78861a2e88e18b79e247322ca317aa30803d1268b'
