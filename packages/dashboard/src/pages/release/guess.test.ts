import { expect, test } from 'vitest'
import { guessFromName } from './guess.ts'

test.each([
  ['sensor-fw-1.4.0.bin', 'sensor-fw', '1.4.0'],
  ['sensor_v1.4.0.bin', 'sensor', '1.4.0'],
  ['sensor 2.0.bin', 'sensor', '2.0'],
  ['gateway-2.1.0.tar.gz', 'gateway', '2.1.0'],
  ['gateway-2.1.0', 'gateway', '2.1.0'],
  ['app-1.0.0-rc.1.swu', 'app', '1.0.0-rc.1'],
  ['app-1.0.0-beta2.zip', 'app', '1.0.0-beta2'],
  ['app-1.0.0+build.5.bin', 'app', '1.0.0+build.5'],
  ['app-1.2.3-14-g1a2b3c4-dirty.hex', 'app', '1.2.3-14-g1a2b3c4-dirty'],
  ['esp32-sensor-3.1.bin', 'esp32-sensor', '3.1'],
  ['sensor-1.4.0-esp32s3.bin', 'sensor-esp32s3', '1.4.0'],
  [
    'openwrt-23.05.3-ath79-generic-squashfs-sysupgrade.bin',
    'openwrt-ath79-generic-squashfs-sysupgrade',
    '23.05.3',
  ],
  ['zephyr_1_4_0.bin', 'zephyr', '1.4.0'],
  ['image-20260131.wic.gz', 'image', '20260131'],
  ['image-2026-01-31.raucb', 'image', '2026-01-31'],
  ['fw_v13.uf2', 'fw', '13'],
  ['meter-42.bin', 'meter', '42'],
  ['fw-1.4.0 (1).bin', 'fw', '1.4.0'],
  ['1.4.0-fw.bin', 'fw', '1.4.0'],
  ['Camera Firmware 10.2.7.img.xz', 'Camera Firmware', '10.2.7'],
  ['esp32.bin', 'esp32', ''],
  ['firmware.bin', 'firmware', ''],
  ['mp3player.bin', 'mp3player', ''],
  ['1.4.0.bin', '', '1.4.0'],
  ['v2.bin', '', '2'],
  ['.hidden', 'hidden', ''],
  ['', '', ''],
  ['Üb-1.0.bin', 'Üb', '1.0'],
])('%s is %s in version %s', (fileName, title, version) => {
  expect(guessFromName(fileName)).toEqual({ title, version })
})
